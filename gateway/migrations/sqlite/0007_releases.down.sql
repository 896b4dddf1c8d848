DROP INDEX log_entry_release;
DROP TABLE release_step;
