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
 * What an administrator can set.
 *
 * @package    local_rocket
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */

defined('MOODLE_INTERNAL') || die();

if ($hassiteconfig) {
    $ADMIN->add('localplugins', new admin_category('local_rocket', new lang_string('pluginname', 'local_rocket')));
    $ADMIN->add('local_rocket', new admin_externalpage(
        'local_rocket_state',
        new lang_string('statepage', 'local_rocket'),
        new moodle_url('/local/rocket/index.php'),
        'local/rocket:manage'
    ));

    $settings = new admin_settingpage('local_rocket_settings', new lang_string('settingspage', 'local_rocket'));
    if ($ADMIN->fulltree) {
        $links = html_writer::link(
            new moodle_url('/local/rocket/index.php', ['action' => 'test', 'sesskey' => sesskey()]),
            get_string('testconnection', 'local_rocket'),
            ['class' => 'btn btn-secondary']
        ) . ' ' . html_writer::link(
            new moodle_url('/local/rocket/index.php'),
            get_string('statepage', 'local_rocket'),
            ['class' => 'btn btn-secondary']
        );
        $settings->add(new admin_setting_heading(
            'local_rocket/connection',
            new lang_string('settings_connection', 'local_rocket'),
            html_writer::tag('p', get_string('settings_connection_desc', 'local_rocket')) . html_writer::tag('p', $links)
        ));
        $settings->add(new admin_setting_configtext(
            'local_rocket/address',
            new lang_string('settings_address', 'local_rocket'),
            new lang_string('settings_address_desc', 'local_rocket'),
            '',
            PARAM_URL,
            50
        ));
        $settings->add(new admin_setting_configpasswordunmask(
            'local_rocket/token',
            new lang_string('settings_token', 'local_rocket'),
            new lang_string('settings_token_desc', 'local_rocket'),
            ''
        ));
        $settings->add(new admin_setting_configpasswordunmask(
            'local_rocket/apikey',
            new lang_string('settings_apikey', 'local_rocket'),
            new lang_string('settings_apikey_desc', 'local_rocket'),
            ''
        ));

        $settings->add(new admin_setting_heading(
            'local_rocket/what',
            new lang_string('settings_what', 'local_rocket'),
            ''
        ));
        $titles = [];
        foreach (\local_rocket\catalogue::titles() as $eventname => $title) {
            $titles[$eventname] = "$title ($eventname)";
        }
        core_collator::asort($titles);
        $settings->add(new admin_setting_configmultiselect(
            'local_rocket/notsent',
            new lang_string('settings_notsent', 'local_rocket'),
            new lang_string('settings_notsent_desc', 'local_rocket'),
            [],
            $titles
        ));
        $roles = role_fix_names(get_all_roles(), context_system::instance(), ROLENAME_ORIGINAL, true);
        $excluded = array_fill_keys(\local_rocket\roles::default_excluded(), 1);
        $settings->add(new admin_setting_configmulticheckbox(
            'local_rocket/excludedroles',
            new lang_string('settings_excludedroles', 'local_rocket'),
            new lang_string('settings_excludedroles_desc', 'local_rocket'),
            $excluded,
            $roles
        ));
        $settings->add(new admin_setting_configcheckbox(
            'local_rocket/sendpersonal',
            new lang_string('settings_sendpersonal', 'local_rocket'),
            new lang_string('settings_sendpersonal_desc', 'local_rocket'),
            1
        ));
        $settings->add(new admin_setting_configcheckbox(
            'local_rocket/sendgrades',
            new lang_string('settings_sendgrades', 'local_rocket'),
            new lang_string('settings_sendgrades_desc', 'local_rocket'),
            1
        ));
        $settings->add(new admin_setting_configcheckbox(
            'local_rocket/anonymise',
            new lang_string('settings_anonymise', 'local_rocket'),
            new lang_string('settings_anonymise_desc', 'local_rocket'),
            0
        ));

        $settings->add(new admin_setting_heading(
            'local_rocket/how',
            new lang_string('settings_how', 'local_rocket'),
            ''
        ));
        $settings->add(new admin_setting_configcheckbox(
            'local_rocket/paused',
            new lang_string('settings_paused', 'local_rocket'),
            new lang_string('settings_paused_desc', 'local_rocket'),
            0
        ));
        $settings->add(new admin_setting_configcheckbox(
            'local_rocket/sendsoon',
            new lang_string('settings_sendsoon', 'local_rocket'),
            new lang_string('settings_sendsoon_desc', 'local_rocket'),
            1
        ));
        $settings->add(new admin_setting_configtext(
            'local_rocket/maxqueue',
            new lang_string('settings_maxqueue', 'local_rocket'),
            new lang_string('settings_maxqueue_desc', 'local_rocket'),
            \local_rocket\settings::QUEUE,
            PARAM_INT
        ));
    }
    $ADMIN->add('local_rocket', $settings);
    $settings = null;
}
