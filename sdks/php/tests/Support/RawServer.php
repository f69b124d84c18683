<?php

declare(strict_types=1);

namespace RocketLearning\Tests\Support;

/** A server in a process of its own that answers each connection with bytes of the test's choice. */
final class RawServer
{
    /** What the process does: reads one request of a connection, writes the answer, and waits or ends. */
    private const PROGRAM = <<<'PHP'
        $server = stream_socket_server('tcp://127.0.0.1:0');
        echo stream_socket_get_name($server, false), "\n";
        foreach (unserialize(base64_decode($argv[1])) as [$answer, $then]) {
            $connection = stream_socket_accept($server, 30);
            $head = '';
            while (!str_contains($head, "\r\n\r\n")) {
                $head .= fgets($connection);
            }
            $length = preg_match('/^content-length: (\d+)/im', $head, $found) === 1 ? (int) $found[1] : 0;
            $body = $length > 0 ? stream_get_contents($connection, $length) : '';
            echo base64_encode($head . $body), "\n";
            fwrite($connection, $answer);
            if ($then === 'drip') {
                while (@fwrite($connection, ' ') !== false) {
                    usleep(5_000);
                }
            } elseif ($then === 'flood') {
                while (@fwrite($connection, str_repeat(' ', 1 << 20)) !== false) {
                    continue;
                }
            } elseif ($then === 'hang') {
                fread($connection, 1);
            } elseif ($then === 'reset') {
                $socket = socket_import_stream($connection);
                socket_set_option($socket, SOL_SOCKET, SO_LINGER, ['l_onoff' => 1, 'l_linger' => 0]);
                socket_close($socket);
                continue;
            }
            fclose($connection);
        }
        PHP;

    public readonly string $url;

    /** @var resource */
    private $process;
    /** @var resource */
    private $output;

    /** @param array{string, 'close'|'drip'|'flood'|'hang'|'reset'} ...$answers one for each connection */
    public function __construct(array ...$answers)
    {
        $script = base64_encode(serialize($answers));
        $command = [PHP_BINARY, '-d', 'display_errors=0', '-r', self::PROGRAM, '--', $script];
        $process = proc_open($command, [1 => ['pipe', 'w']], $pipes);
        if ($process === false) {
            throw new \RuntimeException("a process couldn't be started");
        }
        [$this->process, $this->output] = [$process, $pipes[1]];
        $this->url = 'http://' . trim((string) fgets($this->output));
    }

    public function __destruct()
    {
        proc_terminate($this->process);
        proc_close($this->process);
    }

    /** An answer as it stands on the wire. */
    public static function answer(int $status, string $body, string ...$headers): string
    {
        $head = ["HTTP/1.1 {$status} Whatever", 'Content-Length: ' . strlen($body), 'Connection: close', ...$headers];
        return implode("\r\n", $head) . "\r\n\r\n" . $body;
    }

    /** The next request that it has read. */
    public function request(): string
    {
        return (string) base64_decode(trim((string) fgets($this->output)), true);
    }
}
