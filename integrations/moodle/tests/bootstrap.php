<?php
// Loads the plugins' classes that need no Moodle: those in classes/local.

spl_autoload_register(function(string $class) {
    $parts = explode('\\', $class);
    if (count($parts) === 3 && $parts[1] === 'local') {
        $file = dirname(__DIR__) . "/{$parts[0]}/classes/local/{$parts[2]}.php";
        if (is_file($file)) {
            require_once($file);
        }
    }
});
