-- What `fixed` adds to the tables of the analysis; nobody else reads or writes it.

-- How often the partition has been retried. A message says which attempt it is for.
alter table partition_progress add column attempt integer not null default 0;

-- Work items that a committed retry owes to the queue: written in its transaction, sent afterwards.
create table work_item_outbox (
  id   bigint generated always as identity primary key,
  item jsonb not null
);
