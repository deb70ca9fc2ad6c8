-- +goose Up
-- Keeps the place of the budget's tables.
SELECT 1;

-- +goose Down
SELECT 1;
