package controllers

import (
	"testing"
	"time"
)

func TestObservationsWaitForTenMinutesAndOnePercent(t *testing.T) {
	start := time.Now()
	for sentence, tc := range map[string]struct {
		before, now int64
		after       time.Duration
		want        bool
	}{
		"a small change never":          {1000, 1010, time.Hour, false},
		"a change too soon":             {1000, 1050, 9 * time.Minute, false},
		"a large change too soon":       {1000, 2000, 59 * time.Second, false},
		"a large change after a minute": {1000, 1101, time.Minute, true},
		"a large change in time":        {1000, 1011, 10 * time.Minute, true},
		"a large loss in time":          {1000, 900, 10 * time.Minute, true},
		"the first guild in time":       {0, 1, 10 * time.Minute, true},
		"no change":                     {1000, 1000, time.Hour, false},
		"the last guild that was left":  {1, 0, 10 * time.Minute, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			if got := observationDue(start, start.Add(tc.after), wobble{tc.before, tc.now}); got != tc.want {
				t.Errorf("due = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAnOperatorThatHasWrittenNoneMayWriteAtOnce(t *testing.T) {
	if !observationDue(time.Time{}, time.Now(), wobble{1000, 1011}) {
		t.Error("a change waits for the first write of this process")
	}
}
