<?php
// This file is part of Moodle - https://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <https://www.gnu.org/licenses/>.

namespace local_rocket;

defined('MOODLE_INTERNAL') || die();

require_once($CFG->libdir . '/filelib.php');

/**
 * Talks to Rocket.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
class client {
    /** @var settings Where, and with what. */
    private $settings;

    /** @var int How long one request may take, in seconds. */
    private $timeout;

    /**
     * A client for these settings.
     *
     * @param settings $settings
     * @param int $timeout how long one request may take, in seconds
     */
    public function __construct(settings $settings, int $timeout = 30) {
        $this->settings = $settings;
        $this->timeout = $timeout;
    }

    /**
     * Sends a batch.
     *
     * @param array[] $bodies what local\body::sent() made
     * @return reply
     */
    public function send(array $bodies): reply {
        $json = json_encode($bodies, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE);
        return $this->call('post', $this->settings->address->events(), $this->settings->token, 'token', gzencode($json, 5), [
            'Content-Type: application/json',
            'Content-Encoding: gzip',
        ]);
    }

    /**
     * Asks for the events that are to be kept.
     *
     * @param string $etag of the list that is known; empty for none
     * @return reply
     */
    public function catalogue(string $etag = ''): reply {
        $headers = $etag === '' ? [] : ["If-None-Match: $etag"];
        return $this->call('get', $this->settings->address->catalogue(), $this->settings->token, 'token', '', $headers);
    }

    /**
     * Reads from the API.
     *
     * @param string $path below /v1
     * @param array $query
     * @return reply
     */
    public function read(string $path, array $query = []): reply {
        return $this->call('get', $this->settings->address->api($path, $query), $this->settings->key, 'key');
    }

    /**
     * Anonymises a learner; 404 where Rocket doesn't know them.
     *
     * @param int $userid
     * @return reply
     */
    public function erase(int $userid): reply {
        $path = 'users/' . rawurlencode(catalogue::source_name() . ':' . $userid);
        return $this->call('delete', $this->settings->address->api($path), $this->settings->key, 'key');
    }

    /**
     * One request.
     *
     * @param string $method
     * @param string $url
     * @param string $secret
     * @param string $credential token or key
     * @param string $body
     * @param string[] $headers
     * @return reply
     */
    private function call(
        string $method,
        string $url,
        string $secret,
        string $credential,
        string $body = '',
        array $headers = []
    ): reply {
        // The address is the administrator's own, and a Rocket beside Moodle is the usual case, so Moodle's list
        // of blocked hosts (which has all private networks) doesn't hold for it. The proxy does.
        $curl = new \curl(['ignoresecurity' => true]);
        $curl->setHeader(array_merge(["Authorization: Bearer $secret", 'Accept: application/json'], $headers));
        $options = [
            'CURLOPT_CONNECTTIMEOUT' => min(5, $this->timeout),
            'CURLOPT_TIMEOUT' => $this->timeout,
            'CURLOPT_FOLLOWLOCATION' => 0,
        ];
        if ($method === 'post') {
            $answer = $curl->post($url, $body, $options);
        } else if ($method === 'delete') {
            $answer = $curl->delete($url, [], $options);
        } else {
            $answer = $curl->get($url, [], $options);
        }
        $info = $curl->get_info();
        return new reply(
            (int)($info['http_code'] ?? 0),
            (string)$answer,
            (int)$curl->get_errno(),
            (string)$curl->error,
            (array)$curl->getResponse(),
            $credential
        );
    }
}
