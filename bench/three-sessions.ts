/**
 * Three sessions with four, three and two steps, which makes 1,260 orders: the receipt and the batch of the Postgres wiki,
 * with a report that reads outside of a transaction. No order makes a step wait, so that isolationtester, which would give
 * up on an impossible order after minutes only, can run them all.
 */
export const threeSessions = `
setup
{
  CREATE TABLE control (batch int NOT NULL);
  CREATE TABLE receipt (id serial PRIMARY KEY, batch int NOT NULL, amount int NOT NULL);
  INSERT INTO control VALUES (1);
  INSERT INTO receipt (batch, amount) VALUES (1, 10);
}

teardown
{
  DROP TABLE control, receipt;
}

session cashier
step begin_receipt { BEGIN ISOLATION LEVEL SERIALIZABLE; }
step read_batch    { SELECT batch FROM control; }
step add_receipt   { INSERT INTO receipt (batch, amount) SELECT 1, 20; }
step end_receipt   { COMMIT; }

session manager
step begin_closing { BEGIN ISOLATION LEVEL SERIALIZABLE; }
step close_batch   { UPDATE control SET batch = batch + 1; }
step end_closing   { COMMIT; }

session auditor
step report_batch  { SELECT batch FROM control; }
step report_total  { SELECT batch, sum(amount) AS total FROM receipt GROUP BY batch; }
`;
