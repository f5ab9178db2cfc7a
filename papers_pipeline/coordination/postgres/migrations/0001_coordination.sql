-- Who took a lock last, and when the holder was last heard of. The lock itself is an advisory lock of
-- a session; a row that its holder did not delete tells whether another took the lock while the
-- holder had no session.
CREATE TABLE papers.locks (
    name text PRIMARY KEY,
    holder text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON papers.locks (holder);

-- Requests of the last window of each limit. Those not sent yet wait for their time, in the order of
-- their numbers. Times are seconds since 1970 by this server's clock.
CREATE TABLE papers.requests (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    family text NOT NULL,
    name text NOT NULL,
    at double precision NOT NULL,
    tokens bigint NOT NULL,
    sent boolean NOT NULL
);
CREATE INDEX ON papers.requests (family, name, at);
CREATE INDEX ON papers.requests (family, at);
CREATE INDEX ON papers.requests (family, number) WHERE NOT sent;

-- The pause of a limit, and the part of its requests that may go afterwards.
CREATE TABLE papers.refusals (
    family text NOT NULL,
    name text NOT NULL,
    at double precision NOT NULL,
    until double precision NOT NULL,
    in_a_row integer NOT NULL,
    share double precision NOT NULL,
    PRIMARY KEY (family, name)
);

-- Every call to a model, with the fields of a line of the ledger's files. The line that settles a
-- call replaces its first one.
CREATE TABLE papers.ledger (
    id text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_on date NOT NULL GENERATED ALWAYS AS ((at AT TIME ZONE 'UTC')::date) STORED,
    format integer NOT NULL,
    at timestamptz NOT NULL,
    asset text NOT NULL,
    arxiv_id text,
    day text,
    provider text NOT NULL,
    model text NOT NULL,
    prompt_version text,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    usd double precision,
    batch text,
    key text,
    call text,
    state text NOT NULL
);
CREATE INDEX ON papers.ledger (sent_on);
CREATE INDEX ON papers.ledger (batch) WHERE batch IS NOT NULL;
