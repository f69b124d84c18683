<?php
use local_rocket\local\address;
use local_rocket\local\site_address;
use PHPUnit\Framework\TestCase;

/** The address of Rocket as people type it. */
final class AddressTest extends TestCase {
    /** A path, a hook's address and blanks around it lead to the same places. */
    public function test_what_people_type_is_understood(): void {
        foreach (['https://r.example.org', ' https://r.example.org/ ', 'https://r.example.org/api/public/hook/moodle/event'] as $typed) {
            $address = new address($typed);
            $this->assertTrue($address->is_valid(), $typed);
            $this->assertSame('https://r.example.org/api/public/hook/moodle/events', $address->events());
            $this->assertSame('https://r.example.org/api/public/hook/moodle/catalogue', $address->catalogue());
        }
        $this->assertSame('http://h:8000/v1/leaderboard?course=3&limit=5',
            (new address('http://h:8000'))->api('leaderboard', ['course' => 3, 'limit' => 5, 'around' => null]));
    }

    /** What is no address of a server is refused. */
    public function test_what_is_no_address_is_refused(): void {
        foreach (['', 'rocket', 'ftp://r.example.org', 'https://', 'https://u:p@r.example.org', 'https://r.example.org/?a=b'] as $typed) {
            $this->assertFalse((new address($typed))->is_valid(), $typed);
        }
    }

    /** Without TLS the token can be read by others, except on the same machine. */
    public function test_a_plain_connection_is_noticed(): void {
        $this->assertTrue((new address('http://r.example.org'))->is_plain());
        $this->assertFalse((new address('https://r.example.org'))->is_plain());
        $this->assertFalse((new address('http://127.0.0.1:8000'))->is_plain());
    }

    /** Spellings of one site are one site, as Rocket sees it. */
    public function test_spellings_of_a_site(): void {
        foreach (['https://m.example.org/', 'http://M.example.org:80', 'm.example.org'] as $spelling) {
            $this->assertTrue(site_address::same('https://m.example.org', $spelling), $spelling);
        }
        foreach (['https://m.example.org/moodle', 'https://m.example.org:8443', 'https://n.example.org'] as $other) {
            $this->assertFalse(site_address::same('https://m.example.org', $other), $other);
        }
    }
}
