package storage

import (
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"
)

// prepared is SQL whose named parameters ("@id") are known: pgx reads a text through
// for them each time that it is used, which for what each document needs is a tenth of
// all that asking takes.
type prepared struct {
	sql   string   // with $1, $2 ...
	names []string // of these
}

var parameterName = regexp.MustCompile(`@[a-z_][a-z0-9_]*`)

func prepare(sql string) prepared {
	named := pgx.NamedArgs{}
	for _, name := range parameterName.FindAllString(sql, -1) {
		named[name[1:]] = name[1:]
	}
	text, order, err := named.RewriteQuery(nil, nil, sql, nil) //nolint:staticcheck // it asks nobody
	if err != nil {
		panic(err) // of a constant
	}
	p := prepared{sql: text}
	for _, name := range order {
		p.names = append(p.names, fmt.Sprint(name))
	}
	return p
}

// values are the parameters in their order.
func (p prepared) values(args pgx.NamedArgs) []any {
	values := make([]any, len(p.names))
	for i, name := range p.names {
		values[i] = args[name]
	}
	return values
}

// queue adds the statement to a batch.
func (p prepared) queue(batch *pgx.Batch, args pgx.NamedArgs) *pgx.QueuedQuery {
	return batch.Queue(p.sql, p.values(args)...)
}
