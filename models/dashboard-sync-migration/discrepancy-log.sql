-- "Add logging to compare values and detect discrepancies": here it goes into a table, so that it can be judged.
create table discrepancy_log (
  id       bigint generated always as identity primary key,
  run_id   text not null,
  counter  integer,
  computed integer not null
);
