-- Tests, the bank of questions, attempts and answers.
--
-- Authors change tests and questions as they like. What is published is a paper: a copy of everything that a
-- learner's attempt needs, which never changes. An attempt belongs to one paper from its start on, so nothing that
-- an author does later reaches those who are taking the test. A corrected key makes a new paper beside the old.

CREATE TABLE assessment_tests (
    organisation_id uuid NOT NULL REFERENCES organisations,
    test_id         uuid NOT NULL,
    type            text NOT NULL CONSTRAINT assessment_test_type CHECK (type IN ('plain', 'rule_based', 'generated')),
    status          text NOT NULL CONSTRAINT assessment_test_status
        CHECK (status IN ('draft', 'published', 'unpublished', 'archived')),
    title           text NOT NULL CONSTRAINT assessment_test_title CHECK (length(title) BETWEEN 1 AND 255),
    attempts        integer NOT NULL CONSTRAINT assessment_test_attempts CHECK (attempts >= 1),
    starts_at       timestamptz,
    ends_at         timestamptz,
    settings        jsonb NOT NULL,
    paper_id        uuid,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      text,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, test_id),
    CONSTRAINT assessment_test_window CHECK (starts_at < ends_at),
    CONSTRAINT assessment_test_published_has_paper CHECK (status <> 'published' OR paper_id IS NOT NULL)
);

CREATE TABLE assessment_sections (
    organisation_id uuid NOT NULL,
    section_id      uuid NOT NULL,
    test_id         uuid NOT NULL,
    title           text NOT NULL CONSTRAINT assessment_section_title CHECK (length(title) BETWEEN 1 AND 255),
    description     text,
    ordering        integer NOT NULL,
    status          text NOT NULL CONSTRAINT assessment_section_status
        CHECK (status IN ('active', 'inactive', 'archived')),
    min_questions   integer,
    max_questions   integer,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      text,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, section_id),
    CONSTRAINT assessment_section_of_test FOREIGN KEY (organisation_id, test_id) REFERENCES assessment_tests
        ON DELETE CASCADE,
    CONSTRAINT assessment_section_range CHECK (min_questions <= max_questions)
);
CREATE INDEX assessment_sections_by_test ON assessment_sections (organisation_id, test_id, ordering);

-- `content` is the whole question with its key, in the form in which authors read it; the columns beside it are
-- what lists and rules choose by.
CREATE TABLE assessment_questions (
    organisation_id uuid NOT NULL REFERENCES organisations,
    question_id     uuid NOT NULL,
    type            text NOT NULL,
    level           text NOT NULL,
    status          text NOT NULL CONSTRAINT assessment_question_status CHECK (status IN ('draft', 'published', 'archived')),
    grading_type    text NOT NULL,
    marks           numeric NOT NULL CONSTRAINT assessment_question_marks CHECK (marks >= 0),
    category_id     text,
    content         jsonb NOT NULL,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      text,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, question_id)
);
CREATE INDEX assessment_questions_by_choice ON assessment_questions (organisation_id, status, type, level, question_id);

CREATE TABLE assessment_rules (
    organisation_id uuid NOT NULL,
    rule_id         uuid NOT NULL,
    test_id         uuid NOT NULL,
    section_id      uuid NOT NULL,
    priority        integer NOT NULL,
    is_active       boolean NOT NULL,
    content         jsonb NOT NULL,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      text,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, rule_id),
    CONSTRAINT assessment_rule_of_section FOREIGN KEY (organisation_id, section_id) REFERENCES assessment_sections
        ON DELETE CASCADE
);
CREATE INDEX assessment_rules_by_test ON assessment_rules (organisation_id, test_id, priority);

CREATE TABLE assessment_test_questions (
    organisation_id  uuid NOT NULL,
    test_id          uuid NOT NULL,
    question_id      uuid NOT NULL,
    test_question_id uuid NOT NULL,
    section_id       uuid NOT NULL,
    ordering         integer NOT NULL,
    is_compulsory    boolean NOT NULL,
    rule_id          uuid,
    PRIMARY KEY (organisation_id, test_id, question_id),
    CONSTRAINT assessment_test_question_of_section FOREIGN KEY (organisation_id, section_id)
        REFERENCES assessment_sections ON DELETE CASCADE,
    CONSTRAINT assessment_test_question_of_question FOREIGN KEY (organisation_id, question_id)
        REFERENCES assessment_questions,
    CONSTRAINT assessment_test_question_of_rule FOREIGN KEY (organisation_id, rule_id) REFERENCES assessment_rules
        ON DELETE CASCADE
);
CREATE INDEX assessment_test_questions_by_section ON assessment_test_questions (organisation_id, section_id, ordering);
CREATE INDEX assessment_test_questions_by_question ON assessment_test_questions (organisation_id, question_id);
CREATE INDEX assessment_test_questions_by_rule ON assessment_test_questions (organisation_id, rule_id)
    WHERE rule_id IS NOT NULL;

-- Never changed; a paper whose key was corrected is another one.
CREATE TABLE assessment_papers (
    organisation_id uuid NOT NULL,
    paper_id        uuid NOT NULL,
    test_id         uuid NOT NULL,
    number          integer NOT NULL,
    corrects        uuid,
    content         jsonb NOT NULL,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organisation_id, paper_id),
    CONSTRAINT assessment_paper_number_taken UNIQUE (organisation_id, test_id, number)
);

-- `review` is P while a review is pending, U while one has begun, R where it is done or there is nothing to review;
-- `result` is P for pass, F for fail. `question_ids` are the attempt's questions in its own order. `max_score` is the test's total at the start.
-- Rows change with each saved answer: half of a page is kept free, so that they stay in it.
CREATE TABLE assessment_attempts (
    organisation_id uuid NOT NULL,
    attempt_id      uuid NOT NULL,
    test_id         uuid NOT NULL,
    paper_id        uuid NOT NULL,
    learner_id      uuid NOT NULL,
    user_id         text NOT NULL,
    number          integer NOT NULL CONSTRAINT assessment_attempt_number CHECK (number >= 1),
    status          text NOT NULL CONSTRAINT assessment_attempt_status CHECK (status IN ('running', 'submitted')),
    review          text CONSTRAINT assessment_attempt_review CHECK (review IN ('P', 'U', 'R')),
    question_ids    uuid[] NOT NULL,
    max_score       numeric NOT NULL,
    score           numeric,
    result          text CONSTRAINT assessment_attempt_result CHECK (result IN ('P', 'F')),
    time_spent_s    integer CONSTRAINT assessment_attempt_time_spent CHECK (time_spent_s >= 0),
    started_at      timestamptz NOT NULL,
    deadline        timestamptz,
    submitted_at    timestamptz,
    submission      text CONSTRAINT assessment_attempt_submission CHECK (submission IN ('self', 'expired')),
    remarks         text,
    updated_by      text,
    PRIMARY KEY (organisation_id, attempt_id),
    CONSTRAINT assessment_attempt_is_whole CHECK (
        (status = 'submitted') = (submitted_at IS NOT NULL)
        AND (status = 'submitted') = (review IS NOT NULL)
        AND (status = 'submitted') = (submission IS NOT NULL)),
    CONSTRAINT assessment_attempt_result_is_final CHECK (result IS NULL OR review = 'R')
) WITH (fillfactor = 50);
-- A learner's attempts of a test are numbered from one without a gap, and of one test a learner takes one attempt at
-- a time: of two tabs, or two servers, that begin at once, the second waits for the first and finds its attempt.
CREATE UNIQUE INDEX assessment_attempt_number_taken
    ON assessment_attempts (organisation_id, test_id, learner_id, number);
CREATE UNIQUE INDEX assessment_attempt_runs_alone ON assessment_attempts (organisation_id, test_id, learner_id)
    WHERE status = 'running';
CREATE INDEX assessment_attempts_by_learner ON assessment_attempts (organisation_id, learner_id, attempt_id);
CREATE INDEX assessment_attempts_by_test ON assessment_attempts (organisation_id, test_id, attempt_id);
CREATE INDEX assessment_attempts_by_paper ON assessment_attempts (organisation_id, paper_id, attempt_id);
CREATE INDEX assessment_attempts_due ON assessment_attempts (organisation_id, deadline)
    WHERE status = 'running' AND deadline IS NOT NULL;
CREATE INDEX assessment_attempts_to_review ON assessment_attempts (organisation_id, attempt_id)
    WHERE review IN ('P', 'U');

CREATE TABLE assessment_answers (
    organisation_id uuid NOT NULL,
    attempt_id      uuid NOT NULL,
    question_id     uuid NOT NULL,
    answer          jsonb NOT NULL,
    saved_at        timestamptz NOT NULL,
    score           numeric,
    is_correct      boolean,
    remarks         text,
    rubric          jsonb,
    reviewed_by     text,
    reviewed_at     timestamptz,
    PRIMARY KEY (organisation_id, attempt_id, question_id)
) WITH (fillfactor = 80);

-- Corrected keys: what the question was and became, and how far its attempts have been scored anew. `papers` leads
-- from each paper that had the question to the one that takes its place.
CREATE TABLE assessment_regrades (
    organisation_id uuid NOT NULL,
    regrade_id      uuid NOT NULL,
    question_id     uuid NOT NULL,
    reason          text NOT NULL,
    before          jsonb NOT NULL,
    after           jsonb NOT NULL,
    papers          jsonb NOT NULL,
    seen            integer NOT NULL DEFAULT 0,
    changed         integer NOT NULL DEFAULT 0,
    points          bigint NOT NULL DEFAULT 0,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz,
    PRIMARY KEY (organisation_id, regrade_id)
);
CREATE INDEX assessment_regrades_by_question ON assessment_regrades (organisation_id, question_id, regrade_id);
CREATE INDEX assessment_regrades_running ON assessment_regrades (organisation_id, regrade_id) WHERE finished_at IS NULL;

CREATE TABLE assessment_regrade_changes (
    organisation_id uuid NOT NULL,
    regrade_id      uuid NOT NULL,
    attempt_id      uuid NOT NULL,
    score_before    numeric,
    score_after     numeric,
    result_before   text,
    result_after    text,
    points          bigint NOT NULL,
    PRIMARY KEY (organisation_id, regrade_id, attempt_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON assessment_tests, assessment_sections, assessment_questions, assessment_rules,
    assessment_test_questions TO rocket_app;
GRANT SELECT, INSERT ON assessment_papers, assessment_regrade_changes TO rocket_app;
GRANT SELECT, INSERT, UPDATE ON assessment_attempts, assessment_answers, assessment_regrades TO rocket_app;
