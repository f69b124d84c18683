<?php
use local_rocket\local\catalogue_text;
use PHPUnit\Framework\TestCase;

/** The list of events that are kept. */
final class CatalogueTextTest extends TestCase {
    /** The copy that comes with the plugin is Rocket's own catalogue, and the reset of a course. */
    public function test_the_bundled_copy_is_rockets(): void {
        $root = dirname(__DIR__, 3);
        $bundled = catalogue_text::read(file_get_contents(dirname(__DIR__) . '/local_rocket/data/catalogue.json'));
        $expected = [];
        foreach (json_decode(file_get_contents("$root/src/rocket_server/catalogue/moodle.json"), true)['activities'] as $activity) {
            $expected[$activity['eventname']] = $activity['learner'];
        }
        $this->assertSame($expected + ['\\core\\event\\course_reset_ended' => ''], $bundled['learners']);
        $this->assertSame(['name' => '', 'site' => ''], $bundled['source']);
    }

    /** What isn't a list of events is none, and a strange event in it is left out. */
    public function test_bad_lists(): void {
        foreach (['', '<html>', '[]', '{}', '{"events": []}', '{"events": 5}', '{"events": [{"eventname": "x"}]}'] as $text) {
            $this->assertNull(catalogue_text::read($text), $text);
        }
        $read = catalogue_text::read('{"source": {"name": "m", "site": null}, "events": [7, {"eventname": "\\\\a\\\\event\\\\b",
            "learner": "userid"}, {"eventname": "\\\\a\\\\event\\\\c", "learner": "someone"}]}');
        $this->assertSame(['\\a\\event\\b' => 'userid'], $read['learners']);
        $this->assertSame(['name' => 'm', 'site' => ''], $read['source']);
    }
}
