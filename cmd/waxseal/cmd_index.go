package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/waxseal/waxseal/archiver/index/clickhouse"
	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

type indexCmd struct {
	DDL   indexDDLCmd   `cmd:"" name:"ddl" help:"Print the statements that make ClickHouse's tables."`
	Check indexCheckCmd `cmd:"" help:"Hold the index to the stores, row for row."`
}

type indexDDLCmd struct {
	Cluster  string `placeholder:"NAME" help:"For the shards and replicas of this cluster."`
	Database string `placeholder:"NAME" help:"Database (default that of the setting index, else waxseal)."`
	User     string `default:"waxseal_ingest" placeholder:"NAME" help:"User that feeds the index (default waxseal_ingest)."`
}

// Help teaches the command.
func (indexDDLCmd) Help() string {
	return `On one server waxseal makes the tables itself, where its user may. On a cluster, or where nobody may, run what this prints as somebody who may: the tables, Replicated on
each shard with one Distributed over them, and the rights of a user that only feeds the index. Who searches needs SELECT on the database, and rights to change settings
(readonly = 2, not 1); who reindexes also TRUNCATE.

Examples:
  waxseal index ddl | clickhouse-client --multiquery
  waxseal index ddl --cluster firm --database archive`
}

// ddlResponse is the output of index ddl.
type ddlResponse struct {
	Tables []string `json:"tables"`
	Grants []string `json:"grants"`
}

// Run prints.
func (c indexDDLCmd) Run(s *session) error {
	db := c.Database
	if db == "" {
		db = "waxseal"
		if s.set.ClickHouse != "" {
			db = clickhouse.Database(s.set.ClickHouse)
		}
	}
	for flag, name := range map[string]string{"database": db, "cluster": c.Cluster, "user": c.User} {
		if name != "" && !clickhouse.ValidName(name) {
			return fmt.Errorf("--%s: %q is no name: letters, digits and _: %w", flag, name, ErrUsage)
		}
	}
	r := ddlResponse{Tables: clickhouse.DDL(db, c.Cluster), Grants: clickhouse.Grants(db, c.User, c.Cluster)}
	return s.show(r, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s;\n\n-- The user that feeds the index. It cannot read a row.\n%s;\n", strings.Join(r.Tables, ";\n\n"), strings.Join(r.Grants, ";\n"))
		return err
	})
}

type indexCheckCmd struct{}

// Help teaches the command.
func (indexCheckCmd) Help() string {
	return `Makes every row again from the stores and an identity, into a file in the data folder that is removed afterwards, and names the rows of the index that are missing, extra or
changed. Works beside a process that archives: what the index does not claim to have yet is told as behind. Exit code 3 where rows differ; 'waxseal reindex' mends that.

Examples:
  waxseal index check
  waxseal index check --output jsonl`
}

// Run checks.
func (indexCheckCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		diffs := []IndexDifference{}
		r, err := app.IndexCheck(s.ctx, func(d IndexDifference) error {
			s.bar.Clear()
			switch s.set.Output {
			case "json":
				diffs = append(diffs, d)
				return nil
			case "jsonl":
				return terminal.WriteJSON(s.out, d, "")
			}
			return differenceText(s.out, d)
		})
		if err != nil {
			return err
		}
		if r.Behind == nil {
			r.Behind = []IndexLag{}
		}
		if s.set.Output == "json" {
			err = s.show(struct {
				IndexCheckResponse
				Differences []IndexDifference `json:"differences"`
			}{r, diffs}, nil)
		} else {
			err = s.show(r, func(w io.Writer) error { return checkText(w, r) })
		}
		if err == nil && !r.OK {
			err = fmt.Errorf("the index differs from the stores ('waxseal reindex' makes it anew): %w", ErrVerification)
		}
		return err
	})
}

func differenceText(w io.Writer, d IndexDifference) error {
	fields := ""
	if len(d.Fields) > 0 {
		fields = "  " + strings.Join(d.Fields, ", ")
	}
	_, err := fmt.Fprintf(w, "%-8s %s  lane %s block %d%s\n", d.Difference, terminal.Line(d.Item), d.Lane, d.Block, fields)
	return err
}

func checkText(w io.Writer, r IndexCheckResponse) error {
	lacks(w, r.Behind)
	verdict := "OK"
	if !r.OK {
		verdict = "FAILED"
	}
	_, err := fmt.Fprintf(w, "%s: %s from the stores; missing %d, extra %d, changed %d\n", verdict, terminal.Count(r.Rows, "row"), r.Missing, r.Extra, r.Changed)
	return err
}
