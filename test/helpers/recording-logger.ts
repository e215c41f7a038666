export { type LogLine, type RecordingLogger, recordingLogger } from '../../shared/testing/recording-logger.ts';
