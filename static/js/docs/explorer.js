// GraphiQL over /api/v1/graphql. The key is held by this page alone; what GraphiQL remembers ends with the tab.
const root = window.ReactDOM.createRoot(document.getElementById("explorer"));
const EXAMPLE = `# Everything is described on the left, under the book.
query Board {
  me { name role scope }
  projects(first: 5) {
    nodes {
      id
      name
      scenes(first: 5) {
        totalCount
        nodes {
          name
          segments(first: 5) { nodes { name status } }
        }
      }
    }
  }
}
`;

function fetcherWith(key) {
  return async (request) => {
    const answer = await fetch("/api/v1/graphql", {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json", Accept: "application/json", Authorization: `Bearer ${key}` },
      body: JSON.stringify(request),
    });
    return answer.json();
  };
}

document.getElementById("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = document.getElementById("key").value.trim();
  const explorer = window.React.createElement(window.GraphiQL, {
    key, // another key may see another studio: begin anew
    fetcher: fetcherWith(key),
    storage: window.sessionStorage,
    isHeadersEditorEnabled: false,
    defaultQuery: EXAMPLE,
  });
  root.render(explorer);
});
