-- Holds the number of the migration for the detail of statements.

-- +goose Up

-- +goose Down
