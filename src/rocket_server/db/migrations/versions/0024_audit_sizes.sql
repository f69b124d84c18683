-- How large a state may be is asked of what is stored: as text a short number such as 1e300 is long.
ALTER TABLE audit
    DROP CONSTRAINT audit_before_bounded,
    DROP CONSTRAINT audit_after_bounded,
    ADD CONSTRAINT audit_before_bounded CHECK (pg_column_size(before) <= 131072),
    ADD CONSTRAINT audit_after_bounded CHECK (pg_column_size(after) <= 131072);
