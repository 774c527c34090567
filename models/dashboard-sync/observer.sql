-- What the harness watches besides the application's own tables: every write of the failure counter, with what it was
-- before. A decrement at zero leaves the row as it was (GREATEST hides it), so only a trigger sees that it happened.

create table counter_writes (
  run_id text not null,
  before integer not null,
  after  integer not null
);

create function note_counter_write() returns trigger language plpgsql as $$
begin
  insert into counter_writes values (old.run_id, old.failed_workers, new.failed_workers);
  return null;
end $$;

-- `of failed_workers`: fires when a statement sets that column, even to the value that it had.
create trigger note_counter_write after update of failed_workers on run_metadata
  for each row execute function note_counter_write();
