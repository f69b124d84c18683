<?php
use local_rocket\local\fault;
use PHPUnit\Framework\TestCase;

/** What is wrong with a connection, in words. */
final class FaultTest extends TestCase {
    /** Each way to fail has a sentence of its own, and the sentence exists. */
    public function test_each_fault_has_a_sentence(): void {
        $error = '{"error": "x", "message": "y"}';
        $cases = [
            [6, 0, '', 'fault_unknownhost'], [7, 0, '', 'fault_refused'], [28, 0, '', 'fault_timedout'], [35, 0, '', 'fault_tls'],
            [60, 0, '', 'fault_certificate'], [52, 0, '', 'fault_noanswer'], [99, 0, '', 'fault_unreachable'],
            [0, 0, '', 'fault_unreachable'], [0, 200, '<html>', 'fault_notrocket'], [0, 200, '{}', ''],
            [0, 301, '', 'fault_redirect'], [0, 401, $error, 'fault_tokenunknown'], [0, 401, 'Unauthorized', 'fault_notrocket'],
            [0, 403, $error, 'fault_tokenforbidden'], [0, 404, $error, 'fault_oldrocket'], [0, 404, 'nothing', 'fault_notrocket'],
            [0, 407, '', 'fault_proxy'], [0, 429, $error, 'fault_toomany'], [0, 500, $error, 'fault_server'],
            [0, 502, '<html>', 'fault_server'], [0, 422, $error, 'fault_rejected'],
        ];
        $sentences = file_get_contents(dirname(__DIR__) . '/local_rocket/lang/en/local_rocket.php');
        foreach ($cases as list($errno, $status, $body, $expected)) {
            $this->assertSame($expected, fault::of($errno, $status, $body), "$errno $status $body");
            if ($expected !== '') {
                $this->assertStringContainsString("['$expected']", $sentences);
            }
        }
        foreach ([401 => 'fault_keyunknown', 403 => 'fault_keyforbidden', 404 => ''] as $status => $expected) {
            $this->assertSame($expected, fault::of(0, $status, $error, 'key'));
        }
        $this->assertStringContainsString("['fault_keyunknown']", $sentences);
    }
}
