package server

import (
	"context"
	"net/http"

	"casflow/client"
	"casflow/internal/redact"
)

func (s *Server) getBatch(w http.ResponseWriter, r *http.Request, _ string) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	name := r.PathValue("id")
	var f faults
	if f.text("id", name, maxBatch, true); len(f) > 0 {
		return newProblem(http.StatusNotFound, "there is no such batch")
	}
	ctx, cancel := context.WithTimeout(r.Context(), ledgerTimeout)
	defer cancel()
	overview, err := s.DB.Overview(ctx, name)
	if err != nil {
		return err
	}
	if len(overview.Documents) == 0 {
		return newProblem(http.StatusNotFound, "there is no such batch")
	}
	shown := client.Batch{
		Batch: redact.PANs(name), Documents: map[string]int{}, Dead: map[string]int{}, Discarded: overview.Discarded, Left: overview.Left(),
		FinishedLastMinute: overview.FinishedLately, ETASeconds: int(overview.ETA().Seconds()), CreditsSpent: overview.Credits,
		AttemptsUnknown: overview.Unknown, AccountPaused: string(overview.Account.Reason),
	}
	for status, n := range overview.Documents {
		shown.Documents[string(status)] = n
	}
	for reason, n := range overview.Dead {
		shown.Dead[string(reason)] = n
	}
	return respond(w, http.StatusOK, shown)
}
