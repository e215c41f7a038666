export default await Promise.resolve([]);
