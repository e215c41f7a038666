/**
 * A program that enqueues and then has nothing more to do, as users write them:
 * `node test/helpers/producer.ts redis://…`, or an Upstash URL and its token. It ends by itself.
 */

import { createClient } from '../../shared/index.ts';

const [url = '', token] = process.argv.slice(2);
const client = createClient({ url, ...(token === undefined ? {} : { token }) });
await client.enqueue('Hello', ['hi', 9007199254740993n], { queue: 'produced' });
await client.enqueue('Hello', ['later'], { queue: 'produced', in: '1h' });
await client.enqueueAll([{ job: 'Hello', args: ['all'], queue: 'produced' }]);
await client.close();
console.log('closed');
