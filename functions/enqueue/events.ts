import { ConfigError } from '../../shared/index.ts';
import { parseWithBigInts } from '../../shared/internal.ts';

/** One thing that happened in AWS: a message of SQS or SNS, an event of EventBridge, a change of an object in S3. */
export interface AwsEvent {
  /** Where it is from. */
  readonly source: 'sqs' | 'sns' | 's3' | 'eventbridge';
  /** The message's or the event's id; of S3 the request's. */
  readonly id: string;
  /**
   * What it says. Of SQS and SNS the message: parsed where it is JSON (long integers as bigint), else its text. Of EventBridge the
   * `detail`. Of S3 `{ event, bucket, key, size }`, with the key as it is.
   */
  readonly body: unknown;
  /** As AWS has it. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** Of a FIFO queue: what comes after one that has failed must not pass it. */
  readonly group: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** @throws ConfigError for an event of another kind */
export function eventsOf(event: unknown): AwsEvent[] {
  const { Records: records, ...one } = (typeof event === 'object' && event !== null ? event : {}) as Json;
  if (Array.isArray(records)) return records.map(ofRecord);
  if (typeof one['detail-type'] === 'string') {
    return [{ source: 'eventbridge', id: String(one['id']), body: one['detail'], raw: one, group: undefined }];
  }
  throw new ConfigError(
    `This function enqueues events of SQS, SNS, EventBridge and S3; this one has neither Records nor a detail-type, but ${Object.keys(one).join(', ') || 'nothing'}.`,
  );
}

function ofRecord(record: Json): AwsEvent {
  const source = record['eventSource'] ?? record['EventSource'];
  if (source === 'aws:sqs') {
    const { MessageGroupId: group } = (record['attributes'] ?? {}) as { MessageGroupId?: string };
    return { source: 'sqs', id: String(record['messageId']), body: parsed(record['body']), raw: record, group };
  }
  if (source === 'aws:sns') {
    const { MessageId: id, Message: message } = record['Sns'] as Json;
    return { source: 'sns', id: String(id), body: parsed(message), raw: record, group: undefined };
  }
  if (source === 'aws:s3') {
    const { bucket, object } = record['s3'] as { bucket: Json; object: Json };
    const { 'x-amz-request-id': id } = (record['responseElements'] ?? {}) as Json;
    const body = {
      event: record['eventName'],
      bucket: bucket['name'],
      // S3 writes it as a form does.
      key: decodeURIComponent(String(object['key']).replaceAll('+', ' ')),
      size: object['size'],
    };
    return { source: 's3', id: String(id), body, raw: record, group: undefined };
  }
  throw new ConfigError(
    `This function enqueues events of SQS, SNS, EventBridge and S3; this record is from ${JSON.stringify(source)}.`,
  );
}

function parsed(text: unknown): unknown {
  try {
    return parseWithBigInts(String(text));
  } catch {
    return text;
  }
}
