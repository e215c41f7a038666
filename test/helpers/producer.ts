/**
 * A program that enqueues and then has nothing more to do, as users write them:
 * `node test/helpers/producer.ts redis://…`, or an Upstash URL and its token. It ends by itself.
 */

import { tcpClient } from '../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../shared/broker/redis/upstash.ts';
import { createClient, redisWorkerBroker } from '../../shared/internal.ts';

const [url = '', token] = process.argv.slice(2);
const client = createClient({
  store: redisWorkerBroker(token ? upstashClient({ url, token }) : tcpClient({ url }), 'resque:'),
});
await client.enqueue('Hello', ['hi', 9007199254740993n], { queue: 'produced' });
await client.enqueueIn(3_600, 'Hello', ['later'], { queue: 'produced' });
await client.enqueueAll([{ job: 'Hello', args: ['all'], queue: 'produced' }]);
await client.close();
console.log('closed');
