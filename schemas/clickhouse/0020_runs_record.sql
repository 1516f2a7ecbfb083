-- What else a run is: who started it and why, what it was made of, what it cost.
ALTER TABLE runs
    ADD COLUMN IF NOT EXISTS feature_version   String              COMMENT 'definitions of the data set''s features',
    ADD COLUMN IF NOT EXISTS actor             String              COMMENT 'who asked for the run',
    ADD COLUMN IF NOT EXISTS reason            String              COMMENT 'why it was asked for',
    ADD COLUMN IF NOT EXISTS recipe            String              COMMENT 'JSON from which the run is made again',
    ADD COLUMN IF NOT EXISTS environment       Map(String, String) COMMENT 'libraries, threads, system, processor',
    ADD COLUMN IF NOT EXISTS artifacts         Map(String, String) COMMENT 'key of an object by what it is',
    ADD COLUMN IF NOT EXISTS duration_seconds  Float64             COMMENT 'real time of computing; 0 is not known',
    ADD COLUMN IF NOT EXISTS peak_memory_bytes UInt64              COMMENT 'highest resident memory of the process meanwhile; 0 is not known'
