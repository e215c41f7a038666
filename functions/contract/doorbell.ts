/** The one environment variable of a doorbell's function: the name or ARN of the consumer that it starts. */
export const consumerVariable = 'LAMBDESQUE_CONSUMER';
