// Three sessions with four, three and two steps make 1,260 orders. In these specs none of them is impossible: isolationtester
// would give up on such a one after minutes only.

/**
 * At READ COMMITTED, as most code runs: a transfer between two accounts, a purchase that pays from one of them in single
 * statements, and a report. Whoever pays while the transfer is under way waits for its COMMIT, as in most of Postgres' own
 * specs somebody waits for somebody in some order.
 */
export const withWaits = `
setup
{
  CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL);
  CREATE TABLE entry (id serial PRIMARY KEY, account int NOT NULL, amount int NOT NULL);
  INSERT INTO account VALUES (1, 100), (2, 100);
}

teardown
{
  DROP TABLE account, entry;
}

session transfer
step begin_transfer { BEGIN; }
step withdraw       { UPDATE account SET balance = balance - 30 WHERE id = 1; }
step deposit        { UPDATE account SET balance = balance + 30 WHERE id = 2; }
step end_transfer   { COMMIT; }

session purchase
step look           { SELECT balance FROM account WHERE id = 1; }
step book           { INSERT INTO entry (account, amount) VALUES (1, -50); }
step pay            { UPDATE account SET balance = balance - 50 WHERE id = 1; }

session auditor
step report_total   { SELECT sum(balance) FROM account; }
step report_entries { SELECT account, amount FROM entry; }
`;

/**
 * Serializable transactions, and nobody ever waits: the receipt and the batch of the Postgres wiki,
 * with a report that reads outside of a transaction.
 */
export const serializable = `
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
