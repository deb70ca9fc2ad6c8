-- Holds this number for the schema of another part.

-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
