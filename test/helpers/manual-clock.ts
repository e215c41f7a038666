export { ManualClock } from '../../shared/testing/manual-clock.ts';
