-- An address links one person's identities in several sources, and people of one source may share a mailbox.
-- `identities.email` is what the platform told last of an identity; `learners.email` what was told or set last of
-- the person.
ALTER TABLE identities ADD COLUMN email text;
CREATE INDEX identities_by_email ON identities (organisation_id, lower(email)) WHERE email IS NOT NULL;
DROP INDEX learner_email_taken;
CREATE INDEX learners_by_address ON learners (organisation_id, lower(email)) WHERE email IS NOT NULL;

-- What was wrongly one person's can be taken apart.
ALTER TABLE learner_changes DROP CONSTRAINT learner_change_action;
ALTER TABLE learner_changes ADD CONSTRAINT learner_change_action
    CHECK (action IN ('created', 'changed', 'suspended', 'activated', 'merged', 'split', 'anonymised'));
