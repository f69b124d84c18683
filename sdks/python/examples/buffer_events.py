"""Events from a busy program: added at once, sent in the background, kept where they can't be sent."""

from rocket_learning import RocketClient

with RocketClient() as client:
    buffer = client.buffer(max_size=50, flush_interval_s=3, dead_letter_file="dead-letters.jsonl")
    for lesson in range(120):
        buffer.add(
            {
                "event": "lesson.completed",
                "user_id": "linus",
                "properties": {"lesson_id": f"lesson-{lesson}"},
            }
        )
    buffer.flush()
    print(f"{buffer.waiting} events wait")
