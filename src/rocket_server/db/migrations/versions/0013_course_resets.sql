-- When courses began anew: what rules count by a course counts within one run of it. `source` is the name of the
-- source whose course it is, or empty for the course of that id in every source.
CREATE TABLE course_resets (
    organisation_id uuid NOT NULL REFERENCES organisations,
    course_id text NOT NULL,
    source text NOT NULL,
    at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    PRIMARY KEY (organisation_id, course_id, source, at)
);
GRANT SELECT, INSERT ON course_resets TO rocket_app;
