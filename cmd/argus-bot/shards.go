package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/argus-dev/argus-operator/fleetapi"
)

// maxShards is far above what Discord gives to any bot.
const maxShards = 16384

// shardIDs returns the shards this process runs: those of SHARD_IDS, or else
// 0 up to --shards if that was given, or else all of SHARD_COUNT.
func shardIDs(env environment, shards int, given bool) ([]int, error) {
	count, err := shardCount(env.get(fleetapi.EnvMemberCommonShardCount))
	if err != nil {
		return nil, err
	}
	if list := env.get(fleetapi.EnvMemberCommonShardIDs); list != "" {
		return parseShardIDs(list, count)
	}
	if count > 0 && !given {
		shards = count
	}
	return consecutive(0, shards), nil
}

// shardCount returns the total of the whole bot, or 0 if it is not given.
func shardCount(value string) (int, error) {
	if value == "" {
		return 0, nil
	}
	count, err := strconv.Atoi(value)
	if err != nil || count < 1 || count > maxShards {
		return 0, fmt.Errorf("%s=%q: must be a number from 1 to %d", fleetapi.EnvMemberCommonShardCount, value, maxShards)
	}
	return count, nil
}

// parseShardIDs reads a comma list of distinct ids, each below count unless that is 0.
func parseShardIDs(list string, count int) ([]int, error) {
	limit := maxShards
	if count > 0 {
		limit = count
	}
	var ids []int
	seen := map[int]bool{}
	for text := range strings.SplitSeq(list, ",") {
		id, err := strconv.Atoi(strings.TrimSpace(text))
		switch {
		case err != nil || id < 0:
			return nil, fmt.Errorf("%s=%q: %q is no shard id", fleetapi.EnvMemberCommonShardIDs, list, text)
		case id >= limit:
			return nil, fmt.Errorf("%s=%q: %d is not below %d, the number of shards", fleetapi.EnvMemberCommonShardIDs, list, id, limit)
		case seen[id]:
			return nil, fmt.Errorf("%s=%q: %d stands there twice", fleetapi.EnvMemberCommonShardIDs, list, id)
		}
		seen[id] = true
		ids = append(ids, id)
	}
	return ids, nil
}

func consecutive(first, count int) []int {
	ids := make([]int, count)
	for i := range ids {
		ids[i] = first + i
	}
	return ids
}
