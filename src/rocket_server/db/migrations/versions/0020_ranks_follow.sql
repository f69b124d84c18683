-- How many of a learner's entries their rank was derived from. Ranks follow what standings have counted, entry by
-- entry, whatever the order in which transactions commit and whatever the clocks of servers say. The position in
-- `rank_states` isn't used any more. The table stays for servers of the release before, which go on writing it while
-- they are replaced, and goes with the next release.
ALTER TABLE standing_progress ADD COLUMN ranked bigint NOT NULL DEFAULT 0;
CREATE INDEX standing_progress_unranked ON standing_progress (organisation_id, learner_id) WHERE entries > ranked;
