<?php
use local_rocket\local\backoff;
use local_rocket\local\verdict;
use PHPUnit\Framework\TestCase;

/** What an answer means for the events of a batch. */
final class VerdictTest extends TestCase {
    /** Every event is taken but those that failed, each with its reason. */
    public function test_taken(): void {
        $answer = json_encode(['results' => [
            ['index' => 0, 'status' => 'success'], ['index' => 1, 'status' => 'failed', 'reason' => 'no time'],
            ['index' => 2, 'status' => 'duplicate'], ['index' => 3, 'status' => 'ignored'], ['index' => 4],
        ]]);
        $verdict = verdict::judge(200, $answer, 5);
        $this->assertSame(verdict::TAKEN, $verdict->what);
        $this->assertSame([1 => 'no time', 4 => 'refused without a reason'], $verdict->refused);
        $this->assertSame(['success' => 1, 'failed' => 2, 'duplicate' => 1, 'ignored' => 1], $verdict->counts);
    }

    /** Whatever isn't Rocket's answer to this batch takes nothing: it is sent again. */
    public function test_again(): void {
        $results = json_encode(['results' => [['status' => 'success']]]);
        foreach ([[0, ''], [200, ''], [200, '<html>'], [200, '[]'], [200, $results], [204, ''], [302, ''], [401, '{}'], [403, '{}'],
                [404, '{}'], [429, '{}'], [500, ''], [502, '<html>'], [503, '{}']] as list($status, $body)) {
            $this->assertSame(verdict::AGAIN, verdict::judge($status, $body, 2)->what, "$status $body");
        }
        $this->assertSame(7, verdict::judge(503, '{"error": "unavailable", "retry_after": 7}', 2)->wait);
    }

    /** What can't be read as a whole is looked for by halves. */
    public function test_split(): void {
        $verdict = verdict::judge(400, '{"error": "invalid_payload", "message": "The body is not JSON."}', 2);
        $this->assertSame(verdict::SPLIT, $verdict->what);
        $this->assertSame('The body is not JSON.', $verdict->refused[0]);
        $this->assertSame('HTTP 413', verdict::judge(413, '', 2)->refused[0]);
    }

    /** The wait grows to a quarter of an hour, or to what the server asks for, an hour at most. */
    public function test_backoff(): void {
        $this->assertSame([0, 60, 120, 300, 600, 900, 900], array_map([backoff::class, 'delay'], [1, 2, 3, 4, 5, 6, 60]));
        $this->assertSame(200, backoff::delay(1, 200));
        $this->assertSame(900, backoff::delay(9, 200));
        $this->assertSame(3600, backoff::delay(1, 100000));
        $this->assertSame(0, backoff::delay(0, -5));
    }
}
