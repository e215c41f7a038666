/** What `lambdesque-map` is where a rule, and no code, says what becomes of an event. */
export default undefined;
