-- Holds the number of the migration for budgets.

-- +goose Up

-- +goose Down
