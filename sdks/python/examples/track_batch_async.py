"""Many events in one request, and several requests at once."""

import asyncio

from rocket_learning import AsyncRocketClient, generate_test_events


async def main() -> None:
    async with AsyncRocketClient() as client:
        answer = await client.events.track_batch(generate_test_events("grace", 30))
        print(f"{answer['processed']} processed, {answer['failed']} failed")
        for result in answer["results"]:
            if result["status"] == "failed":
                print(result["index"], result.get("error"))

        balance, badges = await asyncio.gather(
            client.users.get_balance("grace"), client.users.get_badges("grace")
        )
        print(f"{balance['points']} points, {len(badges['badges'])} badges")


asyncio.run(main())
