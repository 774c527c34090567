-- What the harness watches besides the application's own tables: a decrement of a counter that stood at zero leaves the
-- row as it was (GREATEST hides it), so only a trigger sees that it happened.

create table clamped_decrements (
  run_id text not null
);

create function note_clamped_decrement() returns trigger language plpgsql as $$
begin
  if old.failed_workers = 0 and new.failed_workers = 0 then
    insert into clamped_decrements values (old.run_id);
  end if;
  return null;
end $$;

-- `of failed_workers`: fires when a statement sets that column, even to the value that it had.
create trigger note_clamped_decrement after update of failed_workers on run_metadata
  for each row execute function note_clamped_decrement();
