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
 * Fetches the block's content after the page was shown. Where that fails, what stands there stays.
 *
 * @module     block_rocket/refresh
 * @copyright  2026 Rocket Learning Rewards
 * @license    https://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
define([], function() {
    return {
        /**
         * Puts the content into the block.
         *
         * @param {String} id of the element that holds the content
         * @param {String} url that answers the content
         */
        init: function(id, url) {
            var element = document.getElementById(id);
            if (!element || !window.fetch) {
                return;
            }
            window.fetch(url, {credentials: 'same-origin'}).then(function(answer) {
                return answer.json();
            }).then(function(answer) {
                if (answer.html) {
                    element.innerHTML = answer.html;
                }
                return element.setAttribute('aria-busy', 'false');
            }).catch(function() {
                element.setAttribute('aria-busy', 'false');
            });
        }
    };
});
