package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"
)

// BrokerOptions of the embedded broker.
type BrokerOptions struct {
	Port   int              // on loopback; 0 is any free one
	Topics map[string]int32 // topics to have, with their number of partitions
	Log    *slog.Logger     // nil for none
}

// Broker is the embedded broker: one process, one copy, each record forced to
// disk before it is acknowledged. It keeps records until Trim.
type Broker struct {
	cluster *kfake.Cluster
	lock    *flock.Flock
	addr    string
}

// maxMessage is the largest record batch the embedded broker takes, in bytes.
const maxMessage = 128 << 20

// StartEmbedded starts the broker on dir, which it makes if needed, and makes
// the topics that are not there. It answers ErrInUse if another process runs
// one there. Topics that are there keep their partitions and records.
func StartEmbedded(ctx context.Context, dir string, opts BrokerOptions) (*Broker, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	b := &Broker{lock: flock.New(filepath.Join(dir, "waxseal.lock"))}
	if ok, err := b.lock.TryLock(); err != nil || !ok {
		return nil, fmt.Errorf("start broker: %w", errors.Join(ErrInUse, err))
	}
	cluster, err := kfake.NewCluster(
		kfake.Ports(opts.Port), kfake.ClusterID("waxseal"), kfake.DataDir(filepath.Join(dir, "data")), kfake.SyncWrites(),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(maxMessage)}),
		kfake.WithLogger(brokerLog{opts.Log}),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), b.lock.Close())
	}
	b.cluster, b.addr = cluster, cluster.ListenAddrs()[0]
	for topic, partitions := range opts.Topics {
		if cluster.TopicInfo(topic) != nil {
			continue
		}
		if err := cluster.CreateTopic(topic, partitions, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("start broker: make topic %s: %w", topic, err), b.Close())
		}
	}
	return b, nil
}

// Addr is where the broker listens, host:port.
func (b *Broker) Addr() string { return b.addr }

// Trim drops the records of a partition before an offset. A caller that looks at
// the last archived record to tell eras apart keeps it. After a crash some of
// what was dropped may be there again.
func (b *Broker) Trim(topic string, partition int32, before int64) error {
	if err := b.cluster.DeleteRecords(topic, partition, before); err != nil {
		return fmt.Errorf("trim %s/%d before %d: %w", topic, partition, before, err)
	}
	return nil
}

// Close stops the broker. All that was acknowledged is on disk already.
func (b *Broker) Close() error {
	b.cluster.Close()
	if err := b.lock.Close(); err != nil {
		return fmt.Errorf("stop broker: %w", err)
	}
	return nil
}

// brokerLog takes the broker's errors and warnings; what it says below that is
// of no use to an operator.
type brokerLog struct{ log *slog.Logger }

// Logf implements kfake.Logger.
func (l brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	if l.log == nil || level == kfake.LogLevelNone || level > kfake.LogLevelWarn {
		return
	}
	to := slog.LevelWarn
	if level == kfake.LogLevelError {
		to = slog.LevelError
	}
	l.log.Log(context.Background(), to, "broker: "+strings.TrimSpace(fmt.Sprintf(format, args...)))
}
