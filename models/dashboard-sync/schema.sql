-- The three tables of the analysis, with every column that it names. Types, defaults and keys that it does not state
-- are reconstructed.

create table run_metadata (
  run_id            text primary key,
  run_type          text not null default 'full',
  expected_workers  integer not null,
  completed_workers integer not null default 0,
  failed_workers    integer not null default 0,
  watermark_before  timestamptz,
  watermark_after   timestamptz,
  started_at        timestamptz not null default now(),
  completed_at      timestamptz
);

create table partition_progress (
  run_id       text not null references run_metadata,
  partition_id text not null,
  completed    boolean not null default false,
  failed       boolean not null default false,
  updated_at   timestamptz not null default now(),
  primary key (run_id, partition_id)
);

create table worker_runs (
  id                bigint generated always as identity primary key,
  run_id            text not null references run_metadata,
  partition_id      text not null,
  status            text not null check (status in ('running', 'completed', 'failed')),
  payload           jsonb,
  error_message     text,
  records_processed bigint not null default 0,
  started_at        timestamptz not null default now(),
  completed_at      timestamptz,
  unique (run_id, partition_id)
);
