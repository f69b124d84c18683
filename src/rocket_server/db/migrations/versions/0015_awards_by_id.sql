-- A first try is due by the clock of the database, as all that follow are.
ALTER TABLE deliveries ALTER COLUMN due_at SET DEFAULT now();

-- What an award counts against is found by the award, however much its learner was given by the same rule.
CREATE INDEX award_marks_by_award ON award_marks (organisation_id, award_id);

-- Awards of badges among completions are written as event, award, rule, version. The version was left out before:
-- the decision that made the award knows it.
UPDATE completions c
SET badge_awards = ARRAY(
    SELECT CASE WHEN array_length(string_to_array(given.award, ' '), 1) > 3 THEN given.award
        ELSE given.award || ' ' || coalesce((
            SELECT made.decision ->> 'rule_version'
            FROM events e
            CROSS JOIN LATERAL jsonb_array_elements(e.decisions) AS made (decision)
            WHERE e.organisation_id = c.organisation_id AND e.event_id = split_part(given.award, ' ', 1)::uuid
                AND made.decision -> 'detail' ->> 'award_id' = split_part(given.award, ' ', 2)
            LIMIT 1
        ), '1') END
    FROM unnest(c.badge_awards) WITH ORDINALITY AS given (award, number)
    ORDER BY given.number
)
WHERE cardinality(c.badge_awards) > 0;
