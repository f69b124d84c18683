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

/**
 * What this plugin says, in English.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

$string['cachedef_catalogue'] = 'The events that are sent to Rocket';
$string['cachedef_state'] = 'When sending was last asked for';
$string['checkdelivery'] = 'Events reach Rocket';
$string['checkok'] = 'Events reach Rocket.';
$string['discarded'] = 'The refused events were discarded.';
$string['do_discard'] = 'Discard all';
$string['do_retry'] = 'Send all again';
$string['do_send'] = 'Send now';
$string['do_test'] = 'Test the connection';
$string['erasurenokey'] = 'This person was deleted here and is to be anonymised in Rocket, but there is no API key in the settings. Set one with the scope admin, and send this again.';
$string['event'] = 'Event';
$string['fault_certificate'] = 'The certificate of the server isn\'t trusted: it has expired, is for another name, or is signed by nobody this server knows. Renew it, or add its authority to this server\'s list. ({$a->said})';
$string['fault_keyforbidden'] = 'Rocket knows the API key, but it may not be used for this: {$a->said}';
$string['fault_keyunknown'] = 'Rocket doesn\'t know the API key, or it was revoked. Make another one with "rocket keys create" and paste it whole.';
$string['fault_noanswer'] = 'The server took the connection and closed it without an answer. Is this the port of Rocket? ({$a->said})';
$string['fault_notrocket'] = 'Something answers there, but it isn\'t Rocket (HTTP {$a->status}). Check the address: it is the one that "rocket up" prints, without a path.';
$string['fault_oldrocket'] = 'Rocket answers, but doesn\'t know what this plugin asks for. Update Rocket.';
$string['fault_proxy'] = 'The proxy in between asks for a password. Set it under Site administration > Server > HTTP, or add Rocket\'s address to the proxy bypass.';
$string['fault_redirect'] = 'The server leads elsewhere: {$a->location}. Enter that address instead; a redirect would lose what is sent.';
$string['fault_refused'] = 'Nothing listens at this address and port, or a firewall refuses it. Is Rocket running, and on an address that this server can reach? On 127.0.0.1 only the same machine reaches it. ({$a->said})';
$string['fault_rejected'] = 'Rocket rejects the request (HTTP {$a->status}): {$a->said}';
$string['fault_server'] = 'Rocket, or what stands before it, has a fault of its own just now (HTTP {$a->status}). Events wait here meanwhile. {$a->said}';
$string['fault_timedout'] = 'No answer in time. A firewall may drop the connection, or the address leads nowhere. ({$a->said})';
$string['fault_tls'] = 'No secure connection came about. Does this port speak HTTPS? If not, enter http:// in place of https://. ({$a->said})';
$string['fault_tokenforbidden'] = 'Rocket knows the token, but doesn\'t take it from here: {$a->said}';
$string['fault_tokenunknown'] = 'Rocket doesn\'t know the token, or it was revoked. Paste the token of a Moodle source whole; "rocket sources rotate" makes another one.';
$string['fault_toomany'] = 'Rocket asks for fewer requests. Events wait here meanwhile.';
$string['fault_unknownhost'] = 'There is no server of this name. Check the spelling; or this server can\'t look up names. ({$a->said})';
$string['fault_unreachable'] = 'The server can\'t be reached. ({$a->said})';
$string['fault_unreadable'] = 'What came back isn\'t an answer of Rocket to a batch of events. Does something stand in between?';
$string['matter_failing'] = '{$a->fault} It failed {$a->times} times in a row. Events wait here; the next try is at {$a->next}.';
$string['matter_full'] = 'The queue has been full since {$a->since}: it holds {$a->most} events, and what happens now is not kept. Mend the connection, or make the queue larger. Afterwards cli/export_history.php gets what is missing.';
$string['matter_late'] = 'The oldest event has waited since {$a}. Does cron run?';
$string['matter_notconnected'] = 'Not set up yet: enter Rocket\'s address and the token of a Moodle source.';
$string['matter_paused'] = 'Sending is paused. {$a} events wait.';
$string['matter_refused'] = '{$a} events were refused by Rocket and are kept to be looked at.';
$string['pluginname'] = 'Rocket Learning Rewards';
$string['privacy:queue'] = 'Events that wait to be sent to Rocket. They are removed once they were taken.';
$string['privacy:queue:actorid'] = 'Who acted';
$string['privacy:queue:eventname'] = 'What happened';
$string['privacy:queue:payload'] = 'The event: where it happened, the learner\'s roles there, and what kind of thing it is about';
$string['privacy:queue:timecreated'] = 'When it happened';
$string['privacy:queue:userid'] = 'The learner';
$string['privacy:rocket'] = 'Rocket turns what learners do into points and badges.';
$string['privacy:rocket:events'] = 'What the learner did, where and when';
$string['privacy:rocket:grades'] = 'States of completion and grades, where the settings allow it';
$string['privacy:rocket:groups'] = 'Roles, groups and cohorts';
$string['privacy:rocket:name'] = 'Name, e-mail address and ID number, where the settings allow it';
$string['privacy:rocket:userid'] = 'The learner\'s number in Moodle';
$string['reason'] = 'Why';
$string['refusedheading'] = 'Refused events';
$string['refusedhelp'] = 'Rocket would refuse these again as they are. Where the reason was something in Rocket or in the settings, mend it and send them again.';
$string['rocket:manage'] = 'See and manage what waits to be sent to Rocket';
$string['senttaken'] = '{$a} events were taken.';
$string['settings_address'] = 'Address of Rocket';
$string['settings_address_desc'] = 'Such as https://rocket.example.org, without a path.';
$string['settings_anonymise'] = 'Anonymise who is deleted';
$string['settings_anonymise_desc'] = 'When a user is deleted in Moodle, Rocket removes all that names them. Their points stay in the sums. Needs an API key with the scope admin.';
$string['settings_apikey'] = 'API key';
$string['settings_apikey_desc'] = 'For the block "Rocket points", with the scope read. Learners never see it. Where deleted users are to be anonymised, the scope admin as well.';
$string['settings_connection'] = 'Connection';
$string['settings_connection_desc'] = 'Enter address and token, save, and test the connection.';
$string['settings_excludedroles'] = 'Roles that earn nothing';
$string['settings_excludedroles_desc'] = 'Whoever has one of these roles where something happens is staff there, and may be a learner elsewhere. Outside of courses (at log-in) they are staff if they have one of these roles anywhere. Site administrators always are. From the start: the roles that can change a course.';
$string['settings_how'] = 'How it is sent';
$string['settings_maxqueue'] = 'Room in the queue';
$string['settings_maxqueue_desc'] = 'So many events are kept while Rocket can\'t be reached. A million events take about one gigabyte of the database.';
$string['settings_notsent'] = 'Events that are not sent';
$string['settings_notsent_desc'] = 'All others of Rocket\'s list are sent. What they are worth is decided by the rules there. Events of anonymous feedback are never sent.';
$string['settings_paused'] = 'Pause';
$string['settings_paused_desc'] = 'Events are kept and not sent until this is switched off.';
$string['settings_sendgrades'] = 'Send grades';
$string['settings_sendgrades_desc'] = 'So that rules can ask for them.';
$string['settings_sendpersonal'] = 'Send names and e-mail addresses';
$string['settings_sendpersonal_desc'] = 'So that a learner is shown by name, and is found in other sources. Without them, Rocket knows numbers only.';
$string['settings_sendsoon'] = 'Send at once';
$string['settings_sendsoon_desc'] = 'Asks cron for an ad hoc task directly after an event, so that points come within seconds where cron runs all the time. In any case events are sent every minute.';
$string['settings_token'] = 'Token';
$string['settings_token_desc'] = 'Of a Moodle source: "rocket up" prints one at its first start, "rocket sources create" makes more. One source is one Moodle site.';
$string['settings_what'] = 'What is sent';
$string['settingspage'] = 'Settings';
$string['state_catalogue'] = 'Kinds of events that are kept';
$string['state_lastsuccess'] = 'Last taken by Rocket';
$string['state_oldest'] = 'The oldest of them happened';
$string['state_refused'] = 'Refused by Rocket';
$string['state_room'] = 'Room in the queue';
$string['state_sent'] = 'Taken by Rocket in all';
$string['state_waiting'] = 'Waiting to be sent';
$string['statenumbers'] = '{$a->waiting} events wait, {$a->refused} were refused, {$a->sent} were taken in all, the last one: {$a->last}.';
$string['statepage'] = 'State of sending';
$string['tasksend'] = 'Send events to Rocket';
$string['test_badaddress'] = '{$a} is no address of a server. It begins with https:// or http://, such as https://rocket.example.org.';
$string['test_keyok'] = 'The API key is good for what the block shows.';
$string['test_noaddress'] = 'Enter Rocket\'s address first, and save.';
$string['test_nokey'] = 'There is no API key: the block has nothing to show. Events are sent all the same.';
$string['test_notoken'] = 'Enter the token of a Moodle source first, and save.';
$string['test_ok'] = 'Rocket answers in {$a->ms} ms and takes {$a->events} kinds of events for the source {$a->source}.';
$string['test_othersite'] = 'The token is good, but its source belongs to another Moodle: {$a->site}, and this is {$a->here}. Make a source of its own for this site, or, if the site moved, set its new address in Rocket.';
$string['test_plain'] = 'The connection isn\'t encrypted: the token can be read by others on the way. Use https.';
$string['testconnection'] = 'Test the connection';
$string['userid'] = 'User';
