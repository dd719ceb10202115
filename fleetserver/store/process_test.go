package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/argus-dev/argus-operator/fleetserver/registry"
)

// The test binary plays other processes: roleVariable says which part, and
// pathVariable names the state file.
const (
	roleVariable = "ARGUS_TEST_ROLE"
	pathVariable = "ARGUS_TEST_PATH"
	roleRegister = "register"
	roleLock     = "lock"
	roleTry      = "try"
	roleImport   = "import"
	stepVariable = "ARGUS_TEST_STEP" // after which the importing process dies
)

func playRole(role string) int {
	path := os.Getenv(pathVariable)
	lock, err := Acquire(context.Background(), path, time.Now())
	if err != nil {
		fmt.Println(err)
		if _, ok := errors.AsType[*LockedError](err); ok {
			return 75
		}
		return 1
	}
	defer lock.Release() //nolint:errcheck // the process ends
	switch role {
	case roleRegister:
		return registerForEver(path)
	case roleImport:
		_, err := importV1(path, path, func(step string) {
			if step == os.Getenv(stepVariable) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		})
		fmt.Println(err)
		return 1
	case roleLock:
		fmt.Println("locked")
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	return 0
}

// registerForEver registers new identities through a real registry and says
// "identity number" for each as soon as it may, until it is killed.
func registerForEver(path string) int {
	s, state, err := Open(path, Options{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	r := registry.New(registry.Options{TTL: time.Minute, MaxClusters: 1 << 20, MaxFleets: 10, HeartbeatBurst: 1, Now: time.Now})
	r.Restore(state)
	said := make(chan string, 64)
	go func() {
		for i := 0; ; i++ {
			identity := fmt.Sprintf("bot-%d-%d", os.Getpid(), i)
			change, err := r.Register(context.Background(), registry.Registration{Identity: identity, Fleet: "asia"})
			if err != nil {
				panic(err)
			}
			s.Submit(Write{Put: &change.Record, Fleet: change.Fleet, Drawn: change.Drawn, Done: func(err error) {
				if err != nil {
					panic(err)
				}
				r.Apply(change)
				said <- fmt.Sprintf("%s %d", identity, change.Record.Number())
			}})
		}
	}()
	for line := range said {
		fmt.Println(line)
	}
	return 0
}

func role(t *testing.T, name, path string) *exec.Cmd {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+name, pathVariable+"="+path)
	return command
}

// killWhileRegistering runs the registering process, kills it in the middle and
// returns what it had been able to tell its members.
func killWhileRegistering(t *testing.T, path string, lines int) map[string]int {
	t.Helper()
	command := role(t, roleRegister, path)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	scanner := bufio.NewScanner(out)
	for scanner.Scan() {
		identity, number, ok := strings.Cut(scanner.Text(), " ")
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			t.Fatalf("the process says %q", scanner.Text())
		}
		told[identity] = n
		if len(told) == lines {
			_ = command.Process.Kill() // what is still in the pipe was told too
		}
	}
	_ = command.Wait()
	if len(told) < lines {
		t.Fatalf("the process ended after %d registrations", len(told))
	}
	return told
}

func TestKilledAtAnyMomentNoNumberThatWasToldIsLostOrGivenAgain(t *testing.T) {
	path := statePath(t)
	owner, number := map[int]string{}, map[string]int{}
	for round := range 25 {
		for identity, n := range killWhileRegistering(t, path, 20+5*round) {
			if former, taken := owner[n]; taken {
				t.Fatalf("round %d: number %d was told to %s and then to %s", round, n, former, identity)
			}
			owner[n], number[identity] = identity, n
		}
		s, state, err := Open(path, Options{})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		found := map[string]int{}
		for _, r := range state.Records {
			found[r.Identity] = r.Number()
			if r.Pending == "" {
				t.Errorf("round %d: %s has no lease", round, r.Identity)
			}
			if r.Number() > state.Counters["asia"] {
				t.Errorf("round %d: number %d is above the counter %d", round, r.Number(), state.Counters["asia"])
			}
		}
		for identity, n := range number {
			if found[identity] != n {
				t.Fatalf("round %d: %s was told %d and the file says %d", round, identity, n, found[identity])
			}
		}
		_ = s.Close()
	}
}

func TestASecondProcessIsRefusedAndAKilledHoldersLockIsFree(t *testing.T) {
	path := statePath(t)
	holder := role(t, roleLock, path)
	in, _ := holder.StdinPipe()
	out, _ := holder.StdoutPipe()
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	started := time.Now()
	said, err := role(t, roleTry, path).Output()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 75 {
		t.Errorf("the second process ended with %v, want status 75", err)
	}
	want := fmt.Sprintf("another argus-fleet process holds %s.lock (pid %d, ", path, holder.Process.Pid)
	if !strings.HasPrefix(string(said), want) || !strings.HasSuffix(string(said), "; run a single control plane per state file\n") {
		t.Errorf("the second process says %q, want %q...", said, want)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("the refusal took %v", took)
	}
	_ = holder.Process.Kill()
	_ = holder.Wait()
	started = time.Now()
	if said, err := role(t, roleTry, path).Output(); err != nil {
		t.Errorf("after the holder was killed: %v %s", err, said)
	}
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("a free lock took %v", took)
	}
}

func TestAForeignHolderIsRespected(t *testing.T) {
	path := statePath(t)
	file, err := os.OpenFile(path+lockSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(context.Background(), path, noon)
	locked, ok := errors.AsType[*LockedError](err)
	if !ok || locked.Holder != "pid unknown" {
		t.Fatalf("%v, want a refusal by an unknown holder", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Acquire(ctx, path, noon); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting goes on after the context has ended: %v", err)
	}
}

func TestALockFileOutlivesItsHolder(t *testing.T) {
	path := statePath(t)
	for range 2 {
		lock := mustAcquire(t, path)
		info, err := os.Stat(path + lockSuffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("lock file: %v %v", info, err)
		}
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
		if err := lock.Release(); err != nil {
			t.Errorf("second release: %v", err)
		}
		if info, err := os.Stat(path + lockSuffix); err != nil || info.Size() != 0 {
			t.Errorf("after the release: %v %v", info, err)
		}
	}
}
