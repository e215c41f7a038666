import type { LogPlace } from './options.ts';

/**
 * A page of CloudWatch Logs Insights with all lines about one job.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_RunSampleQuery.html; the form of the address is the one that
 *   the console's own "share" makes: JSON-like, with `~` for punctuation and `*` for `%`
 */
export function logsLink({ region, groups }: LogPlace, id: string, since: Date, until: Date): string {
  const query = [
    'fields @timestamp, message, class, queue, attempt, outcome, ms, error, function_request_id',
    `filter id = ${JSON.stringify(id)}`,
    'sort @timestamp asc',
    'limit 1000',
  ].join('\n| ');
  const end = new Date(until.getTime() + 3_600_000);
  const detail =
    `~(end~'${inConsole(end.toISOString())}~start~'${inConsole(since.toISOString())}~timeType~'ABSOLUTE~tz~'UTC` +
    `~editorString~'${inConsole(query)}~source~(${groups.map((group) => `~'${inConsole(group)}`).join('')}))`;
  const domain = region.startsWith('cn-') ? 'console.amazonaws.cn' : 'console.aws.amazon.com';
  return `https://${region}.${domain}/cloudwatch/home?region=${region}#logsV2:logs-insights$3FqueryDetail$3D${encodeURIComponent(detail).replaceAll('%', '$')}`;
}

function inConsole(text: string): string {
  // encodeURIComponent leaves these as they are, and they mean something there.
  const encoded = encodeURIComponent(text).replace(
    /[!'()*~]/g,
    (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return encoded.replaceAll('%', '*');
}
