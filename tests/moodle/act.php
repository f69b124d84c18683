<?php
// Acts in a Moodle as learners, teachers and cron do, by the functions behind its pages and its app.
//
// Run in Moodle's folder: php act.php '[["name", argument, …], …]'. Prints a JSON list with what each act answered.

define('CLI_SCRIPT', true);
require(getcwd() . '/config.php');
require_once($CFG->libdir . '/testing/generator/lib.php');
require_once($CFG->libdir . '/completionlib.php');
require_once($CFG->libdir . '/badgeslib.php');
require_once($CFG->dirroot . '/user/lib.php');
require_once($CFG->dirroot . '/course/lib.php');
foreach (['assign', 'quiz', 'forum'] as $module) {
    if (is_file("$CFG->dirroot/mod/$module/externallib.php")) {
        require_once("$CFG->dirroot/mod/$module/externallib.php");
    }
}

/**
 * The acts; each public function is one.
 */
class acts {
    /** @var testing_data_generator */
    private $make;

    public function __construct() {
        $this->make = new testing_data_generator();
    }

    /** A value of a plugin's settings. */
    public function setting(string $name, string $value, string $plugin = 'local_rocket') {
        set_config($name, $value, $plugin);
    }

    /** A course with an activity of each kind, learners and a teacher; answers the ids. */
    public function course(string $mark, array $learners, string $teacher): array {
        global $CFG, $DB;
        set_config('enablecompletion', 1);
        $course = $this->make->create_course(['enablecompletion' => 1, 'shortname' => "c$mark", 'fullname' => "Course $mark"]);
        $ids = ['course' => (int)$course->id, 'users' => []];
        foreach (array_merge($learners, [$teacher]) as $name) {
            $user = $this->make->create_user([
                'username' => "$name$mark", 'password' => "$name$mark", 'firstname' => ucfirst($name), 'lastname' => $mark,
                'email' => "$name$mark@example.test",
            ]);
            $this->make->enrol_user($user->id, $course->id, $name === $teacher ? 'editingteacher' : 'student');
            $ids['users'][$name] = (int)$user->id;
        }
        $group = $this->make->create_group(['courseid' => $course->id, 'name' => 'Reds']);
        groups_add_member($group->id, $ids['users'][$learners[0]]);
        $common = ['course' => $course->id];
        foreach (['page' => ['completion' => 1], 'url' => [], 'assign' => ['assignsubmission_onlinetext_enabled' => 1, 'submissiondrafts' => 0],
                'forum' => ['type' => 'general'], 'quiz' => ['grade' => 10, 'attempts' => 0]] as $module => $more) {
            $made = $this->make->create_module($module, $common + $more);
            $ids[$module] = (int)$made->id;
            $ids["{$module}_cm"] = (int)$made->cmid;
        }
        require_once('PHPUnit/Autoload.php'); // The generators of questions are made for tests.
        $questions = $this->make->get_plugin_generator('core_question');
        // A question bank belongs to a module or a course.
        $context = $CFG->branch >= 500 ? context_module::instance($ids['quiz_cm']) : context_course::instance($course->id);
        $category = $questions->create_question_category(['contextid' => $context->id]);
        $question = $questions->create_question('truefalse', null, ['category' => $category->id]);
        require_once($CFG->dirroot . '/mod/quiz/locallib.php');
        quiz_add_quiz_question($question->id, $DB->get_record('quiz', ['id' => $ids['quiz']]));
        $this->sumgrades($ids['quiz']);
        $this->as_user(2);
        $discussion = mod_forum_external::add_discussion($ids['forum'], 'Hello', 'Welcome');
        $ids['discussion'] = (int)$discussion['discussionid'];
        $ids['post'] = (int)$DB->get_field('forum_posts', 'id', ['discussion' => $ids['discussion'], 'parent' => 0]);
        return $ids;
    }

    /** Marks an activity done or not, as its button does. */
    public function complete(int $userid, int $cmid, bool $done) {
        $this->as_user($userid);
        core_completion_external::update_activity_completion_status_manually($cmid, $done);
    }

    /** Completes a course, as the task that looks at criteria does. */
    public function complete_course(int $userid, int $courseid) {
        $this->as_user(2);
        (new completion_completion(['userid' => $userid, 'course' => $courseid]))->mark_complete();
    }

    /** Saves an assignment, which submits it where there are no drafts. */
    public function submit(int $userid, int $assignid, string $text) {
        $this->as_user($userid);
        return mod_assign_external::save_submission($assignid, [
            'onlinetext_editor' => ['text' => $text, 'format' => FORMAT_HTML, 'itemid' => file_get_unused_draft_itemid()],
        ]);
    }

    /** Starts and finishes an attempt, with the right answer or the wrong one. */
    public function attempt(int $userid, int $quizid, bool $right): int {
        global $DB;
        $this->as_user($userid);
        $started = mod_quiz_external::start_attempt($quizid);
        $attempt = $started['attempt'];
        $prefix = "q{$attempt->uniqueid}:1_";
        $check = $DB->get_field_sql('SELECT MAX(s.sequencenumber) FROM {question_attempt_steps} s
            JOIN {question_attempts} a ON a.id = s.questionattemptid WHERE a.questionusageid = ?', [$attempt->uniqueid]) + 1;
        mod_quiz_external::process_attempt($attempt->id, [
            ['name' => "{$prefix}answer", 'value' => (int)$right], ['name' => "{$prefix}:sequencecheck", 'value' => $check],
        ], true);
        return (int)$attempt->id;
    }

    /** Answers a post. */
    public function post(int $userid, int $parentid, string $text) {
        $this->as_user($userid);
        return mod_forum_external::add_discussion_post($parentid, 'Re', $text)['postid'];
    }

    /** Gives a badge. */
    public function badge(int $userid, int $courseid) {
        global $DB;
        $this->as_user(2);
        $now = time();
        $id = $DB->insert_record('badge', (object)[
            'name' => "Badge $now", 'description' => 'x', 'timecreated' => $now, 'timemodified' => $now, 'usercreated' => 2,
            'usermodified' => 2, 'issuername' => 'x', 'issuerurl' => 'http://x.test', 'issuercontact' => '', 'type' => 2,
            'courseid' => $courseid, 'message' => 'x', 'messagesubject' => 'x', 'attachment' => 0, 'notification' => 0,
            'status' => BADGE_STATUS_ACTIVE, 'version' => '1', 'language' => 'en', 'imageauthorname' => '',
            'imageauthoremail' => '', 'imageauthorurl' => '', 'imagecaption' => '',
        ]);
        (new badge($id))->issue($userid, true);
        return $id;
    }

    /** Puts the block beside a course. */
    public function block(int $courseid) {
        $this->make->create_block('rocket', [
            'parentcontextid' => context_course::instance($courseid)->id, 'pagetypepattern' => 'course-view-*',
            'defaultregion' => 'side-pre', 'showinsubcontexts' => 0,
        ]);
    }

    /** What the block shows somebody: at once, and after it was fetched. */
    public function panel(int $userid, int $courseid): array {
        $this->as_user($userid);
        $panel = new \block_rocket\panel($userid, $courseid);
        $atonce = $panel->html();
        $started = microtime(true);
        $panel->refresh();
        return ['atonce' => $atonce, 'fetched' => (new \block_rocket\panel($userid, $courseid))->html(),
            'ms' => 1000 * (microtime(true) - $started)];
    }

    /** Deletes a user. */
    public function delete_user(int $userid) {
        global $DB;
        $this->as_user(2);
        delete_user($DB->get_record('user', ['id' => $userid]));
    }

    /** Sends what waits, as the scheduled task does; answers what it printed and what is left. */
    public function send(): array {
        ob_start();
        $task = \core\task\manager::get_scheduled_task('local_rocket\task\send');
        $task->execute();
        $said = ob_get_clean();
        return ['said' => $said] + $this->state();
    }

    /** The queue. */
    public function state(): array {
        $state = new \local_rocket\state();
        return ['waiting' => $state->waiting, 'refused' => $state->refused, 'fault' => $state->lastfault,
            'next' => $state->nextattempt, 'failures' => $state->failures, 'sent' => $state->sent];
    }

    /** What waits, in its order. */
    public function queue(): array {
        global $DB;
        return array_values($DB->get_records_menu('local_rocket_queue', null, 'id', 'id, eventname'));
    }

    /** What the button "Test the connection" says. */
    public function connection(): array {
        return \local_rocket\connection::test();
    }

    /** What the status page says. */
    public function check(): array {
        $result = (new \local_rocket\check\delivery())->get_result();
        return [$result->get_status(), $result->get_summary()];
    }

    /** Lets the next try be now. */
    public function again() {
        set_config('nextattempt', 0, 'local_rocket');
    }

    /** Empties the queue. */
    public function clear() {
        global $DB;
        $DB->delete_records('local_rocket_queue');
        foreach (['failures', 'nextattempt', 'lastfault', 'sourcename'] as $name) {
            unset_config($name, 'local_rocket');
        }
    }

    /** Somebody, logged in as a learner, looks at a page. */
    public function view_as(int $realid, int $userid, int $cmid, int $pageid) {
        $this->as_user($realid);
        \core\session\manager::loginas($userid, context_system::instance());
        \mod_page\event\course_module_viewed::create([
            'objectid' => $pageid, 'context' => context_module::instance($cmid),
        ])->trigger();
    }

    /** How many queries and milliseconds it takes to keep a view. */
    public function cost(int $userid, int $cmid, int $pageid, int $times): array {
        global $DB;
        $this->as_user($userid);
        $took = [];
        for ($i = 0; $i < $times; $i++) {
            $event = \mod_page\event\course_module_viewed::create([
                'objectid' => $pageid, 'context' => context_module::instance($cmid),
            ]);
            $before = $DB->perf_get_queries();
            $started = microtime(true);
            $event->trigger();
            $took[] = 1000 * (microtime(true) - $started);
            $queries = $DB->perf_get_queries() - $before;
        }
        sort($took);
        return ['ms' => $took[intdiv($times, 2)], 'queries' => $queries];
    }

    private function as_user(int $userid) {
        global $DB;
        \core\session\manager::set_user($DB->get_record('user', ['id' => $userid], '*', MUST_EXIST));
    }

    private function sumgrades(int $quizid) {
        global $DB;
        if (class_exists('\mod_quiz\quiz_settings')) {
            \mod_quiz\quiz_settings::create($quizid)->get_grade_calculator()->recompute_quiz_sumgrades();
        } else {
            quiz_update_sumgrades($DB->get_record('quiz', ['id' => $quizid]));
        }
    }
}

$acts = new acts();
$answers = [];
foreach (json_decode($argv[1], true) as $call) {
    $name = array_shift($call);
    $answers[] = $acts->$name(...$call);
}
echo "\n", json_encode($answers), "\n";
