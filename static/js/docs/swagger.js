// Shows /openapi.json with Swagger UI. Nothing is fetched from another host, and no document but ours can be shown.
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  queryConfigEnabled: false,
  validatorUrl: null,
  persistAuthorization: false,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
});
