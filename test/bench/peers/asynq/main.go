// A contender of the benchmarks: asynq, with its defaults.
//
//	asynq drain <redis address> <jobs> <concurrency>    queues jobs, then runs them: {"ms":…}
//	asynq latency <redis address> <jobs> <rate>         runs jobs as they come: {"late":[ms,…]}
//
// It fails unless every job ran, once.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

const kind = "bench"

type quiet struct{}

func (quiet) Debug(...interface{})      {}
func (quiet) Info(...interface{})       {}
func (quiet) Warn(...interface{})       {}
func (quiet) Error(args ...interface{}) { fmt.Fprintln(os.Stderr, args...) }
func (quiet) Fatal(args ...interface{}) { fail(args...) }

func fail(args ...interface{}) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		fail(err)
	}
	return value
}

type runs struct {
	sync.Mutex
	seen  []bool
	late  []float64
	count int
	done  chan struct{}
}

func (r *runs) handle(_ context.Context, task *asynq.Task) error {
	now := time.Now()
	id := binary.BigEndian.Uint64(task.Payload())
	sent := int64(binary.BigEndian.Uint64(task.Payload()[8:]))
	r.Lock()
	defer r.Unlock()
	if r.seen[id] {
		fail("job", id, "ran twice")
	}
	r.seen[id] = true
	r.late = append(r.late, float64(now.UnixNano()-sent)/1e6)
	if r.count++; r.count == len(r.seen) {
		close(r.done)
	}
	return nil
}

func main() {
	if len(os.Args) != 5 {
		fail("asynq drain|latency <redis address> <jobs> <concurrency|rate>")
	}
	redis := asynq.RedisClientOpt{Addr: os.Args[2]}
	jobs, setting := number(os.Args[3]), number(os.Args[4])
	client := asynq.NewClient(redis)
	push := func(id int) {
		payload := make([]byte, 16)
		binary.BigEndian.PutUint64(payload, uint64(id))
		binary.BigEndian.PutUint64(payload[8:], uint64(time.Now().UnixNano()))
		if _, err := client.Enqueue(asynq.NewTask(kind, payload)); err != nil {
			fail(err)
		}
	}
	r := &runs{seen: make([]bool, jobs), done: make(chan struct{})}
	concurrency := 25
	if os.Args[1] == "drain" {
		concurrency = setting
		var lanes sync.WaitGroup
		for lane := 0; lane < 50; lane++ {
			lanes.Add(1)
			go func() {
				defer lanes.Done()
				for id := lane; id < jobs; id += 50 {
					push(id)
				}
			}()
		}
		lanes.Wait()
	}
	server := asynq.NewServer(redis, asynq.Config{Concurrency: concurrency, Logger: quiet{}})
	mux := asynq.NewServeMux()
	mux.HandleFunc(kind, r.handle)
	began := time.Now()
	if err := server.Start(mux); err != nil {
		fail(err)
	}
	if os.Args[1] == "latency" {
		time.Sleep(200 * time.Millisecond)
		first := time.Now()
		for id := 0; id < jobs; id++ {
			time.Sleep(time.Until(first.Add(time.Duration(id) * time.Second / time.Duration(setting))))
			go push(id)
		}
	}
	<-r.done
	took := time.Since(began)
	server.Shutdown()
	answer := map[string]interface{}{"ms": float64(took.Microseconds()) / 1e3}
	if os.Args[1] == "latency" {
		answer["late"] = r.late
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		fail(err)
	}
}
