//go:build apiserver

package apiserver

import (
	"testing"
	"time"
)

// A quiet bot's object stays what it is for five minutes, while its guilds wobble by less
// than one in a hundred.
func TestAQuietBotDoesNotMoveForFiveMinutes(t *testing.T) {
	const steps, guilds = 5, 600
	w := newWorld(t)
	_, bot := runningBot(w)
	operator.fleets.set(w.namespace, upCluster("mybot-0", 1, 2, guilds), upCluster("mybot-1", 2, 2, guilds))
	w.setClock(time.Minute) // the count has grown by much, which may be written then
	w.eventually(func() string {
		if now := get(w, "mybot", bot).Status.Guilds; *now != 2*guilds {
			return "the guilds were to be written"
		}
		return ""
	})
	before := get(w, "mybot", bot).ResourceVersion
	for step := range steps {
		wobble := float64(5 - 10*(step%2))
		operator.fleets.set(w.namespace, upCluster("mybot-0", 1, 2, guilds+wobble), upCluster("mybot-1", 2, 2, guilds+wobble))
		aMinutePasses(w, step)
		w.rounds(2)
		if now := get(w, "mybot", bot).ResourceVersion; now != before {
			t.Fatalf("in minute %d the object moved from %s to %s", step+1, before, now)
		}
	}
}
