-- Who made a discussion or an entry is found by its id, where somebody else deleted it. Modules aren't in it: their
-- names don't begin with the mark of such things.
CREATE INDEX completions_by_thing ON completions (organisation_id, source, lesson_id)
    WHERE starts_with(lesson_id, E'\x1f');
