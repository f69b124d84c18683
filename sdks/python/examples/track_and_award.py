"""The first calls: an event, points, a badge, a balance."""

from rocket_learning import InsufficientPointsError, RocketClient

with RocketClient() as client:  # ROCKET_API_KEY and ROCKET_BASE_URL
    tracked = client.events.track("course.completed", "ada", {"course_id": "python-101", "progress_pct": 100})
    print(f"{tracked['status']}: {tracked['points_awarded']} points")

    client.points.award("ada", 25, "Helped in the forum")
    client.badges.award("ada", "quiz_master")

    try:
        client.points.deduct("ada", 1_000_000, "A rocket")
    except InsufficientPointsError as error:
        print(f"not yet: {error.details['balance']} points")

    print(f"balance: {client.users.get_balance('ada')['points']} points")
