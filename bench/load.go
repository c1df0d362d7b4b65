package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	loadConnections = 8
	loadWarmUp      = time.Second
	loadTime        = 5 * time.Second
)

// load sends one request again and again over some connections, each of which waits for the answer, and tells how many a
// second were answered and how long the slowest hundredth took at least. It is cheap, so that client and server can share
// the machine: the request is made once, and of an answer only its status and length are looked at.
func load(ctx context.Context, address, path, body string, duration time.Duration) (perSecond, p99 float64, err error) {
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, address, len(body), body)
	begin := time.Now().Add(loadWarmUp)
	end := begin.Add(duration)
	var wg sync.WaitGroup
	times := make([][]time.Duration, loadConnections)
	failures := make([]error, loadConnections)
	for i := range loadConnections {
		wg.Go(func() { times[i], failures[i] = loadOne(address, request, begin, end) })
	}
	wg.Wait()
	all := slices.Concat(times...)
	if err := errors.Join(append(failures, ctx.Err())...); err != nil || len(all) == 0 {
		return 0, 0, fmt.Errorf("%d requests were answered: %w", len(all), err)
	}
	slices.Sort(all)
	return float64(len(all)) / duration.Seconds(), float64(all[len(all)*99/100].Microseconds()) / 1000, nil
}

// loadOne is one connection. Requests that begin before the time are not counted.
func loadOne(address string, request []byte, begin, end time.Time) (times []time.Duration, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for {
		sent := time.Now()
		if sent.After(end) {
			return times, nil
		}
		if _, err := conn.Write(request); err != nil {
			return times, err
		}
		if err := skipAnswer(answers); err != nil {
			return times, err
		}
		if sent.After(begin) {
			times = append(times, time.Since(sent))
		}
	}
}

// skipAnswer reads an answer of known length, which has to be of status 200.
func skipAnswer(r *bufio.Reader) error {
	length := -1
	for first := true; ; first = false {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")):
			return fmt.Errorf("the answer is %s", line)
		case len(line) == 0:
			if length < 0 {
				return errors.New("the answer has no length")
			}
			_, err := r.Discard(length)
			return err
		case len(line) > 15 && strings.EqualFold(string(line[:15]), "content-length:"):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[15:]))); err != nil {
				return err
			}
		}
	}
}

// answerLength reads one answer and returns the length of its body.
func answerLength(address, path, body string) (int, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, address, len(body), body)
	answer, err := io.ReadAll(conn)
	if err != nil {
		return 0, err
	}
	head, rest, found := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !found || !bytes.HasPrefix(head, []byte("HTTP/1.1 200")) {
		return 0, fmt.Errorf("the answer is %.300s", answer)
	}
	return len(rest), nil
}
